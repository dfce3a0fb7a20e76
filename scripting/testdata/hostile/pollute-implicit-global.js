// want: threw: ReferenceError
// tries: a variable without var
x = 1
