// want: overstayed
// tries: a getter that never ends
({ get x() { while (true) {} } }).x
