// want: failed: the rule returned something other
// tries: to return an heir of context
return Object.create(context)
