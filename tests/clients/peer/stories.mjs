// Runs a client's stories one after the other, and tells how each one went as a line of JSON.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const stories = [];

/** What the test hands over: addresses, tokens, and who may not be seen. */
export const given = JSON.parse(process.env.GIVEN);
export { assert };

/** Say what a client does; the function is run by `run`. */
export const story = (name, tell) => stories.push([name, tell]);

export async function run() {
  for (const [name, tell] of stories) {
    let error = "";
    try {
      await tell();
    } catch (fault) {
      error = `${fault.stack}\n${JSON.stringify(fault.response?.data ?? "")}`;
    }
    console.log(JSON.stringify({ name, error }));
  }
}

export const SYSTEM = "https://eksempel.no/id";

/** A person with a number that no other one has. */
export const patient = (number = randomUUID(), family = "Kundesen") => ({
  resourceType: "Patient",
  identifier: [{ system: SYSTEM, value: number }],
  name: [{ family, given: ["Ærlig", "Åse"] }],
  gender: "female",
  birthDate: "1970-02-03",
});

/** Body weight of a day of January; `subject` is a reference. */
export const weight = (subject, day) => ({
  resourceType: "Observation",
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "29463-7" }] },
  subject: { reference: subject },
  effectiveDateTime: `2026-01-${String(day).padStart(2, "0")}`,
  valueQuantity: { value: 70 + day, unit: "kg", system: "http://unitsofmeasure.org", code: "kg" },
});

/** A transaction: a new person, and so many weights that name her by `urn:uuid`. */
export function family(count) {
  const name = `urn:uuid:${randomUUID()}`;
  const weights = Array.from({ length: count }, (_, day) => [`urn:uuid:${randomUUID()}`, weight(name, day + 1)]);
  const entry = [[name, patient()], ...weights].map(([fullUrl, resource]) => ({
    fullUrl,
    resource,
    request: { method: "POST", url: resource.resourceType },
  }));
  return { resourceType: "Bundle", type: "transaction", entry };
}

/** The days of January of the observations in a list of resources. */
export const days = (resources) => resources.map((one) => Number(one.effectiveDateTime.slice(-2)));
