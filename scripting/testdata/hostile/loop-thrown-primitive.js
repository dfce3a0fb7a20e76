// want: overstayed
// tries: the same by Symbol.toPrimitive
throw { [Symbol.toPrimitive]() { for (;;); } }
