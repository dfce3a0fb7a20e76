// want: threw: ReferenceError | harmless
// tries: to run code when something is collected
new FinalizationRegistry(function () {}).register({}, 1)
