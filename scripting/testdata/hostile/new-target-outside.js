// want: refused | harmless
// tries: to find its caller by new.target at the top
// whole
if (new.target) context.reason = "ESCAPED"
