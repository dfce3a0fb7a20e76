// want: failed: context.data.hiredate
// tries: the farthest date
context.data.hiredate = new Date(8.64e15)
