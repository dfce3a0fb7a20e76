// want: overstayed
// tries: a loop that never ends
while (true) {}
