// want: threw: TypeError | harmless
// tries: to find its caller by a property
function f() { return f.caller }
if (f()) context.reason = "ESCAPED"
