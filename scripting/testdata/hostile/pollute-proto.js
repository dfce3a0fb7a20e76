// want: threw: TypeError
// tries: to leave a property by __proto__
({}).__proto__.x = 1
