// want: harmless
// tries: an invalid date
context.data.hiredate = new Date(NaN)
