// want: overstayed
// tries: a promise that fails with a text that never ends
Promise.reject({ toString() { for (;;); } })
