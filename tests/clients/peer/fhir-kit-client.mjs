import { CapabilityTool, Client } from "fhir-kit-client";
import { SYSTEM, assert, days, family, given, patient, run, story, weight } from "./stories.mjs";

const client = new Client({ baseUrl: given.url, bearerToken: given.token });
const resourceType = "Patient";

const headers = (answer) => Client.httpFor(answer).response.headers;
const create = (body, options) => client.create({ resourceType: body.resourceType, body, options });
const refused = (promise) => promise.then(() => assert.fail("was not refused"), (error) => error.response);

async function weigh(id, count) {
  for (let day = 1; day <= count; day++) await create(weight(`Patient/${id}`, day));
}

story("reads what the server can", async () => {
  const tool = new CapabilityTool(await new Client({ baseUrl: given.url }).capabilityStatement());
  for (const code of ["read", "vread", "update", "patch", "delete", "history-instance", "create", "search-type"]) {
    assert(tool.resourceCan("Patient", code), code);
  }
  assert(tool.serverCan("transaction") && tool.serverCan("batch") && tool.serverCan("history-system"));
  assert(tool.resourceSearch("Observation", "code") && tool.searchParamsFor({ resourceType }).includes("birthdate"));
});

story("creates, reads, changes and deletes", async () => {
  const made = await create(patient());
  const { id } = made;
  assert.equal(Client.httpFor(made).response.status, 201);
  assert.equal(headers(made).get("location"), `${given.url}/Patient/${id}/_history/1`);
  assert.equal((await client.read({ resourceType, id })).name[0].given[1], "Åse");
  const changed = await client.update({ resourceType, id, body: { ...made, gender: "other" } });
  assert.equal(changed.meta.versionId, "2");
  assert.equal((await client.vread({ resourceType, id, version: "1" })).gender, "female");
  const history = await client.history({ resourceType, id });
  assert.deepEqual(history.entry.map((one) => one.resource.meta.versionId), ["2", "1"]);
  await client.delete({ resourceType, id });
  const gone = await refused(client.read({ resourceType, id }));
  assert.deepEqual([gone.status, gone.data.issue[0].code], [410, "deleted"]);
  assert.equal((await client.history({ resourceType, id })).entry[0].request.method, "DELETE");
  assert.equal((await refused(client.read({ resourceType, id: "000000000000001" }))).status, 404);
});

story("changes only the version that it has read", async () => {
  const made = await create(patient());
  const update = (version, gender) =>
    client.update({
      resourceType, id: made.id, body: { ...made, gender }, options: { headers: { "If-Match": `W/"${version}"` } },
    });
  assert.equal((await update(1, "other")).meta.versionId, "2");
  const conflict = await refused(update(1, "male"));
  assert.deepEqual([conflict.status, conflict.data.issue[0].code], [412, "conflict"]);
  const options = { headers: { "If-None-Match": headers(await client.read({ resourceType, id: made.id })).get("etag") } };
  assert.equal((await refused(client.read({ resourceType, id: made.id, options }))).status, 304);
});

story("creates and changes under a condition", async () => {
  const sent = patient();
  const identifier = `${SYSTEM}|${sent.identifier[0].value}`;
  const options = { headers: { "If-None-Exist": `identifier=${identifier}` } };
  const [first, second] = [await create(sent, options), await create(sent, options)];
  assert.deepEqual([first, second].map((one) => Client.httpFor(one).response.status), [201, 200]);
  assert.equal(first.id, second.id);
  const body = { ...sent, active: true };
  const changed = await client.update({ resourceType, searchParams: { identifier }, body });
  assert.deepEqual([changed.id, changed.meta.versionId, changed.active], [first.id, "2", true]);
  await create(sent);
  assert.equal((await refused(client.update({ resourceType, searchParams: { identifier }, body }))).status, 412);
  const chosen = `valgt-${Date.now()}`;
  const made = await client.update({ resourceType, id: chosen, body: { ...patient(), id: chosen } });
  assert.deepEqual([Client.httpFor(made).response.status, made.id], [201, chosen]);
});

story("patches", async () => {
  const { id } = await create(patient());
  const jsonPatch = [{ op: "replace", path: "/gender", value: "other" }, { op: "remove", path: "/birthDate" }];
  const changed = await client.patch({ resourceType, id, jsonPatch });
  assert.deepEqual([changed.gender, changed.birthDate, changed.meta.versionId], ["other", undefined, "2"]);
  const wrong = await refused(client.patch({ resourceType, id, jsonPatch }));
  assert.deepEqual([wrong.status, wrong.data.resourceType], [422, "OperationOutcome"]);
});

story("searches through all pages, by address and by form", async () => {
  const { id } = await create(patient());
  await weigh(id, 5);
  const searchParams = { patient: id, code: "http://loinc.org|29463-7", _sort: "-date", _count: 2 };
  for (const postSearch of [false, true]) {
    const found = [];
    let bundle = await client.search({ resourceType: "Observation", searchParams, options: { postSearch } });
    for (; bundle; bundle = await client.nextPage({ bundle })) found.push(...bundle.entry.map((one) => one.resource));
    assert.deepEqual(days(found), [5, 4, 3, 2, 1]);
  }
  const between = { patient: id, date: ["ge2026-01-02", "lt2026-01-04"] };
  assert.equal((await client.search({ resourceType: "Observation", searchParams: between })).entry.length, 2);
});

story("gets others along, parts alone and counts", async () => {
  const { id } = await create(patient());
  await weigh(id, 2);
  const find = (more) => client.search({ resourceType: "Observation", searchParams: { patient: id, ...more } });
  const along = await find({ _include: "Observation:subject" });
  assert.deepEqual(along.entry.map((one) => one.search.mode), ["match", "match", "include"]);
  const { entry } = await find({ _elements: "status" });
  assert.deepEqual(Object.keys(entry[0].resource).sort(), ["code", "id", "meta", "resourceType", "status"]);
  const count = await find({ _summary: "count" });
  assert.deepEqual([count.total, count.entry], [2, undefined]);
  const { reference } = along.entry[0].resource.subject;
  assert.equal((await client.resolve({ reference, context: along })).id, id);
  assert.equal((await client.resolve({ reference })).id, id);
});

story("sends a transaction and a batch", async () => {
  const answer = await client.transaction({ body: family(2) });
  assert.deepEqual(answer.entry.map((one) => one.response.status.slice(0, 3)), ["201", "201", "201"]);
  const person = answer.entry[0].response.location.match(/Patient\/[^/]+/)[0];
  const request = (url) => ({ request: { method: "GET", url } });
  const body = {
    resourceType: "Bundle", type: "batch", entry: [request(`Observation?patient=${person}`), request("Patient/nei")],
  };
  const [found, absent] = (await client.batch({ body })).entry;
  assert.deepEqual(found.resource.entry.map((one) => one.resource.subject.reference), [person, person]);
  assert.deepEqual([absent.response.status.slice(0, 3), absent.response.outcome.resourceType], ["404", "OperationOutcome"]);
});

story("reads histories of a type and of everything", async () => {
  const { id } = await create(patient());
  await weigh(id, 2);
  const all = await client.request(`_history?patient=${id}`);
  assert.deepEqual(all.entry.map((one) => one.resource.resourceType), ["Observation", "Observation", "Patient"]);
  const { type } = await client.typeHistory({ resourceType: "Organization" });
  assert.equal(type, "history");
});

story("understands what it is refused", async () => {
  const wrong = await refused(create({ ...patient(), gender: "ukjent", birthDate: "2023-02-29" }));
  const where = wrong.data.issue.map((one) => one.expression[0]).sort();
  assert.deepEqual([wrong.status, where], [422, ["Patient.birthDate", "Patient.gender"]]);
  const search = (searchParams) => refused(client.search({ resourceType: "Observation", searchParams }));
  assert.equal((await search({ "skostørrelse": 43 })).status, 400);
  const gp = new Client({ baseUrl: given.url, bearerToken: given.gp });
  const hidden = await refused(gp.search({ resourceType: "Observation", searchParams: { patient: given.hidden } }));
  assert.deepEqual([hidden.status, hidden.data.resourceType], [403, "OperationOutcome"]);
  const stranger = new Client({ baseUrl: given.url, bearerToken: "nei" });
  assert.equal((await refused(stranger.read({ resourceType, id: "1" }))).status, 401);
});

await run();
