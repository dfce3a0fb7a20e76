// want: overstayed
// tries: a log line that never ends
log({ toString() { for (;;); } })
