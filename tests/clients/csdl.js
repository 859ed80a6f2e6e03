// odata-csdl: the converter of CSDL by the OASIS technical committee.

"use strict";

const { xml2json } = require("odata-csdl");

exports.convert = ({ xml }) => {
  const messages = [];
  const json = xml2json(xml, { strict: true, messages });
  return { json, messages: messages.map(({ message }) => message) };
};
