// want: overstayed
// tries: to queue a loop and stop
Promise.resolve().then(function () { for (;;); })
