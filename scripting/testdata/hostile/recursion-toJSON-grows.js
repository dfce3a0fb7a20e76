// want: died: memory | died: killed | died: nesting | overstayed
// tries: toJSON that nests deeper each time
JSON.stringify({ toJSON() { return [{ toJSON: this.toJSON }] } })
