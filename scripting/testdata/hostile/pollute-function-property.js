// want: threw: TypeError
// tries: a property of a built-in function
Array.isArray.x = 1
