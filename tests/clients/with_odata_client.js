// @odata/client: reads and writes by entity sets, batches as multipart and as JSON.

"use strict";

const { OData } = require("@odata/client");

function client({ base, key }) {
  return OData.New4({ serviceEndpoint: `${base}/v1/`, commonHeaders: { Authorization: `Bearer ${key}` } });
}

const products = (given) => client(given).getEntitySet("Products");

exports.find = (given) => {
  const options = OData.newOptions()
    .filter(OData.newFilter().property("Sku").in(given.skus))
    .expand("Attributes")
    .orderby("Sku", "desc")
    .top(given.top);
  return products(given).query(options);
};

exports.count = (given) => products(given).count(OData.newFilter().property("Sku").in(given.skus));

exports.read = (given) => products(given).retrieve(given.id);

exports.create = (given) => products(given).create(given.entity);

exports.change = (given) => products(given).update(given.id, given.values);

exports.remove = (given) => products(given).delete(given.id);

exports.act = (given) => products(given).action(given.action, given.id, { Value: given.value });

async function parts(given) {
  const one = client(given);
  const requests = [
    ...given.reads.map((id) => ({ collection: "Products", method: "GET", id })),
    ...given.changes.map(([id, entity]) => ({ collection: "Products", method: "PATCH", id, entity })),
    ...given.reads.map((id) => ({ collection: "Products", method: "GET", id })),
  ];
  return [one, await Promise.all(requests.map((request) => one.newBatchRequest(request)))];
}

const told = (answers) =>
  Promise.all(answers.map(async ({ status, json }) => ({ status, body: status === 204 ? null : await json() })));

exports.batch = async (given) => {
  const [one, requests] = await parts(given);
  return told(await one.execBatchRequests(requests));
};

exports.batch_as_json = async (given) => {
  const [one, requests] = await parts(given);
  for (const { init, options } of requests) {
    if (init.method === "PATCH") {
      options.atomicityGroup = "together";
    }
  }
  return told(await one.execBatchRequestsJson(requests));
};
