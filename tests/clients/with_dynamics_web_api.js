// dynamics-web-api: a client of Microsoft Dataverse, whose sets have small letters. It looks for an API below /api/data
// alone and writes names of sets small, except in a batch; so each of its requests is a batch here, as it makes them.

"use strict";

const { DynamicsWebApi } = require("dynamics-web-api");

const quoted = (skus) => skus.map((sku) => `'${sku}'`).join(",");
const product = (id) => ({ collection: "Products", key: `ID=${id}` });

async function together({ base, key }, add) {
  const api = new DynamicsWebApi({
    serverUrl: new URL(base).origin,
    dataApi: { version: "1" },
    onTokenRefresh: async () => key,
  });
  api.startBatch();
  add(api);
  return api.executeBatch();
}

async function alone(given, add) {
  const [answer] = await together(given, add);
  // It throws nothing for a part of a batch.
  if (answer instanceof Error) {
    throw answer;
  }
  return answer;
}

exports.find = async (given) => {
  const { value } = await alone(given, (api) =>
    api.retrieveMultiple({
      collection: "Products",
      select: ["ID", "Sku", "Title"],
      filter: `Sku in (${quoted(given.skus)})`,
      expand: [{ property: "Attributes", select: ["Name", "Value"] }],
      orderBy: ["Sku desc"],
      top: given.top,
    }),
  );
  return value;
};

exports.count = (given) =>
  alone(given, (api) => api.count({ collection: "Products", filter: `Sku in (${quoted(given.skus)})` }));

exports.read = (given) => alone(given, (api) => api.retrieve(product(given.id)));

exports.create = (given) =>
  alone(given, (api) => api.create({ collection: "Products", data: given.entity, returnRepresentation: true }));

exports.change = (given) => alone(given, (api) => api.update({ ...product(given.id), data: given.values }));

exports.remove = (given) => alone(given, (api) => api.deleteRecord(product(given.id)));

exports.act = (given) =>
  alone(given, (api) =>
    api.callAction({ ...product(given.id), actionName: given.action, action: { Value: given.value } }),
  );

exports.batch = async (given) => {
  const answers = await together(given, (api) => {
    given.reads.forEach((id) => api.retrieve(product(id)));
    given.changes.forEach(([id, data]) => api.update({ ...product(id), data }));
    given.reads.forEach((id) => api.retrieve(product(id)));
  });
  return answers.map((body) => ({ status: body instanceof Error ? body.status : undefined, body }));
};
