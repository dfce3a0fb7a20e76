// want: failed: the rule returned something other
// tries: to return a proxy of context
return new Proxy(context, {})
