// o.js: resources as strings, and what is chained as one batch.

"use strict";

const { o } = require("odata");

function service({ base, key }, ...batch) {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const config = {
    boundaryPrefix: "batch_",
    changsetBoundaryPrefix: "changset_",
    endpoint: "$batch",
    headers: new Headers(headers),
    useChangset: false,
    useRelativeURLs: false,
  };
  return o(`${base}/v1/`, { headers, batch: Object.assign(config, ...batch) });
}

const quoted = (skus) => skus.map((sku) => `'${sku}'`).join(",");

exports.find = (given) =>
  service(given)
    .get("Products")
    .query({
      $filter: `Sku in (${quoted(given.skus)})`,
      $expand: "Attributes",
      $orderby: "Sku desc",
      $top: given.top,
    });

exports.count = (given) =>
  service(given)
    .get("Products/$count")
    .query({ $filter: `Sku in (${quoted(given.skus)})` });

exports.read = (given) => service(given).get(`Products(${given.id})`).query();

exports.create = (given) => service(given).post("Products", given.entity).query();

exports.change = async (given) => {
  const { status } = await service(given).patch(`Products(${given.id})`, given.values).query();
  return status;
};

exports.remove = async (given) => {
  const { status } = await service(given).delete(`Products(${given.id})`).query();
  return status;
};

exports.act = async (given) => {
  const { status } = await service(given).post(`Products(${given.id})/${given.action}`, { Value: given.value }).query();
  return status;
};

const chained = (handler, given) => {
  given.reads.forEach((id) => handler.get(`Products(${id})`));
  given.changes.forEach(([id, values]) => handler.patch(`Products(${id})`, values));
  return handler;
};

exports.batch = (given) => {
  const handler = chained(service(given), given);
  given.reads.forEach((id) => handler.get(`Products(${id})`));
  return handler.batch();
};

// Beside a change set it writes no reads: they would lie outside of every part.
exports.change_set = (given) => chained(service(given, { useChangset: true }), { ...given, reads: [] }).batch();
