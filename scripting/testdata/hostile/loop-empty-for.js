// want: overstayed
// tries: a loop without a body
for (;;);
