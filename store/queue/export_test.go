package queue

// BucketCount gives how many keys are remembered.
func BucketCount(b *Buckets) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.all)
}
