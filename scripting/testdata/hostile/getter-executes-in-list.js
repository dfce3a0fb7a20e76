// want: harmless
// tries: an item that calls repo when the host reads it
context.data.tags = Object.defineProperty(['a'], '0', { get() { repo.executeUpdate(); return 'x' } })
