// want: overstayed
// tries: a number that never ends
+{ valueOf() { for (;;); } }
