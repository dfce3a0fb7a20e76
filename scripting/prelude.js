// Runs once in every engine, before the rule: adds what rules are promised,
// takes away what would make code from text, and freezes everything that a rule
// could use to leave a trace for the next object.
(function () {
  "use strict";
  const { ownKeys, getOwnPropertyDescriptor, getPrototypeOf, defineProperty } = Reflect;
  const freeze = Object.freeze;
  const includes = String.prototype.includes;

  // The native function itself: one of ours around it would cost as much as the
  // rest of a small rule.
  for (const name of ["contain", "contains"]) {
    defineProperty(String.prototype, name, { value: includes, writable: true, configurable: true });
  }

  function* generator() {}
  const asynchronous = async function () {};
  const generated = getPrototypeOf(generator);
  const awaited = getPrototypeOf(asynchronous);

  const refuse = function Function() {
    throw new TypeError("code from text is not allowed / 不允许由文本生成代码");
  };
  refuse.prototype = Function.prototype;
  for (const owner of [Function.prototype, generated, awaited]) {
    defineProperty(owner, "constructor", { value: refuse });
  }
  globalThis.Function = refuse;
  globalThis.eval = refuse;

  // No walk along properties leads to these.
  const hidden = [
    generated, generated.prototype, getPrototypeOf(generator.prototype), awaited,
    getPrototypeOf([][Symbol.iterator]()),
    getPrototypeOf(""[Symbol.iterator]()),
    getPrototypeOf(new Set()[Symbol.iterator]()),
    getPrototypeOf(new Map()[Symbol.iterator]()),
    getPrototypeOf("".matchAll(/a/g)),
    getPrototypeOf(Uint8Array),
    getOwnPropertyDescriptor(function () { return arguments; }(), "callee").get,
  ];

  const seen = new Set();
  const todo = [globalThis, ...hidden];
  while (todo.length > 0) {
    const object = todo.pop();
    if ((typeof object !== "object" && typeof object !== "function") || object === null || seen.has(object)) {
      continue;
    }
    seen.add(object);
    todo.push(getPrototypeOf(object));
    for (const key of ownKeys(object)) {
      const property = getOwnPropertyDescriptor(object, key);
      todo.push(property.value, property.get, property.set);
    }
  }
  seen.forEach(function (object) { freeze(object); });
})();
