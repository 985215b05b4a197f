import FHIR from "fhirclient";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { SYSTEM, assert, days, family, given, patient, run, story, weight } from "./stories.mjs";

const kept = new Map();
const storage = {
  get: async (key) => kept.get(key),
  set: async (key, value) => kept.set(key, value) && value,
  unset: async (key) => kept.delete(key),
};

/** As a server's app makes one for a visitor whose launch is done. */
function launched(state) {
  const request = new IncomingMessage(new Socket());
  return FHIR(request, new ServerResponse(request), storage).client({ serverUrl: given.url, ...state });
}

const client = launched({ tokenResponse: { access_token: given.token } });
const refused = (promise) => promise.then(() => assert.fail("was not refused"), (error) => error);
const outcome = (error) => JSON.parse(error.message.slice(error.message.indexOf("{")));

async function weigh(id, count) {
  for (let day = 1; day <= count; day++) await client.create(weight(`Patient/${id}`, day));
}

story("learns the server's version", async () => {
  assert.equal(await client.getFhirVersion(), "4.0.1");
  assert.equal(await client.getFhirRelease(), 4);
});

story("creates, reads, changes and deletes", async () => {
  const made = await client.create(patient());
  const url = `Patient/${made.id}`;
  assert.equal((await client.request(url)).name[0].given[1], "Åse");
  const changed = await client.update({ ...made, gender: "other" });
  assert.equal(changed.meta.versionId, "2");
  assert.equal((await client.request(`${url}/_history/1`)).gender, "female");
  const history = await client.request(`${url}/_history`, { flat: true });
  assert.deepEqual(history.map((one) => one.meta.versionId), ["2", "1"]);
  await client.delete(url);
  const gone = await refused(client.request(url));
  assert.deepEqual([gone.status, outcome(gone).issue[0].code], [410, "deleted"]);
  assert.equal((await refused(client.request("Patient/000000000000001"))).status, 404);
});

story("changes only the version that it has read", async () => {
  const made = await client.create(patient());
  const update = (version) => client.update({ ...made, active: true }, { headers: { "If-Match": `W/"${version}"` } });
  assert.equal((await update(1)).meta.versionId, "2");
  const conflict = await refused(update(1));
  assert.deepEqual([conflict.status, outcome(conflict).issue[0].code], [412, "conflict"]);
});

story("creates under a condition", async () => {
  const sent = patient();
  const options = { headers: { "If-None-Exist": `identifier=${SYSTEM}|${sent.identifier[0].value}` } };
  const [first, second] = [await client.create(sent, options), await client.create(sent, options)];
  assert.equal(first.id, second.id);
});

story("patches", async () => {
  const { id } = await client.create(patient());
  const changed = await client.patch(`Patient/${id}`, [{ op: "replace", path: "/gender", value: "other" }]);
  assert.deepEqual([changed.gender, changed.meta.versionId], ["other", "2"]);
  const wrong = await refused(client.patch(`Patient/${id}`, [{ op: "remove", path: "/finnes/ikke" }]));
  assert.deepEqual([wrong.status, outcome(wrong).resourceType], [422, "OperationOutcome"]);
});

story("searches through all pages", async () => {
  const { id } = await client.create(patient());
  await weigh(id, 5);
  const url = `Observation?patient=${id}&code=http://loinc.org|29463-7&_sort=-date&_count=2`;
  const flat = await client.request(url, { pageLimit: 0, flat: true });
  assert.deepEqual(days(flat), [5, 4, 3, 2, 1]);
  const pages = [];
  for await (const page of client.pages(url)) pages.push(page.entry.length);
  assert.deepEqual(pages, [2, 2, 1]);
  const one = [];
  for await (const resource of client.resources(url)) one.push(resource);
  assert.deepEqual(days(one), [5, 4, 3, 2, 1]);
});

story("follows references, and gets others along", async () => {
  const { id } = await client.create(patient());
  await weigh(id, 2);
  const url = `Observation?patient=${id}`;
  const bundle = await client.request(url, { resolveReferences: "subject" });
  assert.equal(bundle.entry.length, 2);
  const [first] = await client.request(url, { resolveReferences: "subject", flat: true });
  assert.equal(first.subject.birthDate, "1970-02-03");
  const along = await client.request(`${url}&_include=Observation:subject&_count=1`, { flat: true });
  assert.deepEqual(along.map((one) => one.resourceType), ["Observation", "Patient"]);
  const [part] = await client.request(`${url}&_elements=status`, { flat: true });
  assert.deepEqual(Object.keys(part).sort(), ["code", "id", "meta", "resourceType", "status"]);
  assert.equal((await client.request(`${url}&_summary=count`)).total, 2);
});

story("keeps to the patient of its launch", async () => {
  const { id } = await client.create(patient());
  await weigh(id, 2);
  const ours = launched({ tokenResponse: { access_token: given.token, patient: id } });
  assert.equal((await ours.patient.read()).id, id);
  assert.equal((await ours.patient.request("Observation")).entry.length, 2);
});

story("sends a transaction", async () => {
  const options = { method: "POST", headers: { "content-type": "application/json" } };
  const answer = await client.request({ url: "", body: JSON.stringify(family(2)), ...options });
  const person = answer.entry[0].response.location.match(/Patient\/[^/]+/)[0];
  const found = await client.request(`Observation?patient=${person}`, { flat: true });
  assert.deepEqual(found.map((one) => one.subject.reference), [person, person]);
});

story("gets XML when it asks for it", async () => {
  const { id } = await client.create(patient());
  const accept = "application/fhir+xml";
  const answer = await client.request({ url: `Patient/${id}`, headers: { accept } });
  const text = await answer.text();
  assert.match(text, /<Patient xmlns="http:\/\/hl7.org\/fhir">/);
  assert.match(text, /<given value="Åse"\/>/);
  const xml = { method: "POST", headers: { accept, "content-type": accept } };
  const sent = text.replace(/<id value="[^"]*"\/>/, "").replace("Kundesen", "Iksemmel");
  // It reads what it has created from the Location, since it parses no XML.
  const made = await client.request({ url: "Patient", body: sent, ...xml });
  assert.match(await made.text(), /<family value="Iksemmel"\/>/);
});

story("understands what it is refused", async () => {
  const wrong = await refused(client.create({ ...patient(), gender: "ukjent" }));
  assert.deepEqual([wrong.status, outcome(wrong).issue[0].expression], [422, ["Patient.gender"]]);
  const gp = launched({ tokenResponse: { access_token: given.gp } });
  assert.equal((await refused(gp.request(`Observation?patient=${given.hidden}`))).status, 403);
  const stranger = launched({ tokenResponse: { access_token: "nei" } });
  assert.equal((await refused(stranger.request("Patient/1"))).status, 401);
});

await run();
