// want: threw: ReferenceError | harmless
// tries: to watch the collector
new WeakRef({})
