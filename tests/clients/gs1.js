// bwip-js, whose GS1 symbols are checked by the rules of GS1's Barcode Syntax Dictionary; and digital-link.js, which
// reads GS1 Digital Links by the grammar of the standard.

"use strict";

const bwip = require("bwip-js");
const { DigitalLink } = require("digital-link.js");

function refusal(bcid, text) {
  try {
    bwip.raw({ bcid, text });
    return null;
  } catch (error) {
    return error.message;
  }
}

const written = (elements) => elements.map(([ai, value]) => `(${ai})${value}`).join("");

exports.check = ({ links, strings }) => ({
  links: links.map((link) => refusal("gs1dlqrcode", link)),
  strings: strings.map((elements) => refusal("gs1datamatrix", written(elements))),
});

exports.read = ({ links }) =>
  links.map((text) => {
    const link = DigitalLink(text);
    return {
      valid: link.isValid(),
      domain: link.getDomain(),
      identifier: link.getIdentifier(),
      qualifiers: link.getKeyQualifiers(),
      attributes: link.getAttributes(),
    };
  });
