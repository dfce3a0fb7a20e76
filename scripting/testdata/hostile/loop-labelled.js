// want: overstayed
// tries: to go on at a label
outer: for (;;) { try { for (;;) {} } catch (e) { continue outer } finally { continue outer } }
