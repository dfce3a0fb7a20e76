// want: overstayed
// tries: an instanceof that never ends
1 instanceof { [Symbol.hasInstance]() { for (;;); } }
