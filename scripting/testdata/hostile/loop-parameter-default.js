// want: overstayed
// tries: a default that never ends
(function (x = (() => { for (;;); })()) {})()
