// want: overstayed
// tries: to go on in finally
while (true) { try { while (true) {} } finally { continue }  }
