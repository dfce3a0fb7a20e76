// want: overstayed
// tries: an object with a length, searched
Array.prototype.indexOf.call({ length: 9007199254740991 }, 1)
