// medusa-js: the client of batch jobs and of the files that they read and write.

"use strict";

const fs = require("node:fs");
const FormData = require("form-data");
const { default: Medusa } = require("@medusajs/medusa-js");

// It is written for browsers, which have one.
globalThis.FormData = FormData;

// With retries, so that it sends a key by which a repeated request is found out.
const admin = ({ base, key }) => new Medusa({ baseUrl: base, apiKey: key, maxRetries: 2 }).admin;

// Beside the answer's body it returns the answer.
const body = ({ response, ...rest }) => rest;

const refused = ({ response }) => ({ status: response.status, body: response.data });

const asked = (promise) => promise.then(body, (error) => (error.response ? refused(error) : Promise.reject(error)));

exports.token = (given) => asked(admin(given).auth.getToken({ email: given.email, password: given.password }));

exports.upload = (given) => {
  const files = given.paths.map((path) => fs.createReadStream(path));
  const uploads = admin(given).uploads;
  return asked(given.isProtected ? uploads.createProtected(files) : uploads.create(files));
};

exports.download_url = (given) => asked(admin(given).uploads.getPresignedDownloadUrl({ file_key: given.file_key }));

exports.remove = (given) => asked(admin(given).uploads.delete({ file_key: given.file_key }));

exports.create = (given) => asked(admin(given).batchJobs.create(given.job));

exports.list = (given) => asked(admin(given).batchJobs.list(given.query));

exports.retrieve = (given) => asked(admin(given).batchJobs.retrieve(given.id));

exports.confirm = (given) => asked(admin(given).batchJobs.confirm(given.id));

exports.cancel = (given) => asked(admin(given).batchJobs.cancel(given.id));

exports.products = (given) => asked(admin(given).products.list(given.query));

exports.product = (given) => asked(admin(given).products.retrieve(given.id));
