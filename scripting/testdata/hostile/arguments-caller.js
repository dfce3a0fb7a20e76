// want: threw: TypeError | harmless
// tries: to find its caller by arguments
if (arguments.length || arguments.callee.caller) context.reason = "ESCAPED"
