// want: overstayed
// tries: to catch the stop
while (true) { try { while (true) {} } catch (e) {} }
