// want: threw: TypeError
// tries: another Symbol.toPrimitive for all dates
Object.defineProperty(Date.prototype, Symbol.toPrimitive, { value: function () { return 0 } })
