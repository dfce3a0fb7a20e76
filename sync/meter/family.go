package meter

// Kind is how the values of a family behave.
type Kind string

// The kinds.
const (
	IsCounter   Kind = "counter"
	IsGauge     Kind = "gauge"
	IsHistogram Kind = "histogram"
)

// Family is one metric with its labels.
type Family struct {
	Name    string
	Kind    Kind
	Labels  []string
	EN, ZH  string    // what it counts
	Buckets []float64 // of a histogram, ascending
	// Asked: its values are asked for when somebody looks, most of them of the record,
	// and so are the same for every replica.
	Asked bool
}

// The names of the families.
const (
	Moves         = "rollcall_run_moves_total"
	Phases        = "rollcall_run_phase_seconds"
	Changes       = "rollcall_changes_total"
	Votes         = "rollcall_votes_total"
	Operations    = "rollcall_system_operations_total"
	OperationTime = "rollcall_system_operation_seconds"
	Calls         = "rollcall_vendor_calls_total"
	CallTime      = "rollcall_vendor_call_seconds"
	Waits         = "rollcall_rate_limit_waits_total"
	WaitTime      = "rollcall_rate_limit_wait_seconds_total"
	Judged        = "rollcall_rule_objects_total"
	RuleErrors    = "rollcall_rule_errors_total"
	JudgeTime     = "rollcall_rule_seconds_total"
	LeasesLost    = "rollcall_leases_lost_total"
	Lateness      = "rollcall_schedule_lateness_seconds"
	Connections   = "rollcall_connections"
	Refused       = "rollcall_callbacks_refused_total"
	ClockOffset   = "rollcall_clock_offset_seconds"

	Build           = "rollcall_build_info"
	RecordUp        = "rollcall_record_up"
	RedisUp         = "rollcall_redis_up"
	OpenRuns        = "rollcall_runs_open"
	OpenRunAge      = "rollcall_runs_open_oldest_seconds"
	DueRuns         = "rollcall_runs_due"
	DueRunAge       = "rollcall_runs_due_oldest_seconds"
	ApprovalEnds    = "rollcall_approval_expires_timestamp_seconds"
	LastRun         = "rollcall_flow_last_run"
	LastSuccess     = "rollcall_flow_last_success_timestamp_seconds"
	Overdue         = "rollcall_flow_overdue_seconds"
	Paused          = "rollcall_flow_paused"
	SnapshotAge     = "rollcall_snapshot_age_seconds"
	LeaseHeld       = "rollcall_lease_held"
	OutboxWaiting   = "rollcall_outbox_waiting"
	OutboxAge       = "rollcall_outbox_oldest_seconds"
	OutboxFailed    = "rollcall_outbox_failed"
	InboxUnhandled  = "rollcall_inbox_unhandled"
	InboxAge        = "rollcall_inbox_oldest_seconds"
	RefusedByDoor   = "rollcall_events_refused_total"
	RecordReadTimes = "rollcall_record_read_seconds"
)

// Families gives every family of ours, those of the life of a run first.
func Families() []Family {
	return append(append(counted(), asked()...), waiting()...)
}

// callBuckets fit calls over the internet.
func callBuckets() []float64 { return []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30} }

// longBuckets fit readings, and waits for people: a second to a week.
func longBuckets() []float64 {
	return []float64{1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 72 * 3600, 168 * 3600}
}

// counted are the families that are counted as they happen, by each process.
func counted() []Family {
	return []Family{
		{Name: Moves, Kind: IsCounter, Labels: []string{"flow", "state"}, EN: "runs that came into a state", ZH: "进入各状态的运行数"},
		{Name: Phases, Kind: IsHistogram, Labels: []string{"flow", "phase"}, Buckets: longBuckets(), EN: "how long runs stayed in a state, by the state that they left", ZH: "运行在各状态停留的时间（离开时记入）"},
		{Name: Changes, Kind: IsCounter, Labels: []string{"flow", "op", "outcome"}, EN: "changes that were settled; one in doubt that is settled later counts under both", ZH: "已有结果的变更数；先存疑、后来有了结果的，两边都计"},
		{Name: Votes, Kind: IsCounter, Labels: []string{"flow", "decision"}, EN: "votes that were counted", ZH: "计入的投票数"},
		{Name: Operations, Kind: IsCounter, Labels: []string{"system", "op", "kind"}, EN: "readings, look-ups and changes asked of a system by runs, by kind of fault; ok when there was none", ZH: "运行对各系统发起的读取、查询和变更，按故障种类；没有故障为 ok"},
		{Name: OperationTime, Kind: IsHistogram, Labels: []string{"system", "op"}, Buckets: append(callBuckets(), 60, 300, 900, 3600), EN: "how long they took", ZH: "它们的耗时"},
		{Name: Calls, Kind: IsCounter, Labels: []string{"system", "code"}, EN: "HTTP calls, by the vendor's own code, else by HTTP status; ok, no_answer, other (beyond 40 codes of a system)", ZH: "HTTP 调用，按厂商错误码，没有则按 HTTP 状态；另有 ok、no_answer、other（一个系统超过 40 种之后）"},
		{Name: CallTime, Kind: IsHistogram, Labels: []string{"system"}, Buckets: callBuckets(), EN: "time until the answer began", ZH: "到开始应答的时间"},
		{Name: Waits, Kind: IsCounter, Labels: []string{"system"}, EN: "calls that had to wait for their turn", ZH: "因限速而等待的调用数"},
		{Name: WaitTime, Kind: IsCounter, Labels: []string{"system"}, EN: "how long they waited in all", ZH: "等待的总时间"},
		{Name: Judged, Kind: IsCounter, Labels: []string{"flow"}, EN: "objects that a rule judged", ZH: "规则判断过的对象数"},
		{Name: RuleErrors, Kind: IsCounter, Labels: []string{"flow"}, EN: "objects that a rule failed on, and rules that failed as a whole", ZH: "规则出错的对象数，以及整条规则失败的次数"},
		{Name: JudgeTime, Kind: IsCounter, Labels: []string{"flow"}, EN: "time that rules took", ZH: "规则用掉的时间"},
		{Name: LeasesLost, Kind: IsCounter, Labels: []string{"flow"}, EN: "leases that were lost while somebody worked", ZH: "工作途中失去的租约数"},
		{Name: Lateness, Kind: IsHistogram, Labels: []string{"flow"}, Buckets: []float64{.5, 1, 2, 5, 10, 30, 60, 300, 3600}, EN: "how long after its time a scheduled run was stored", ZH: "定时运行比预定时间晚了多久"},
		{Name: Connections, Kind: IsGauge, Labels: []string{"platform"}, EN: "long connections that stand now; 0 when one is wanted and none stands", ZH: "现有的长连接数；需要却没有时为 0"},
		{Name: Refused, Kind: IsCounter, Labels: []string{"platform", "reason"}, EN: "requests of the systems' callbacks (WeCom events, SCIM pushes) that were refused, by HTTP status", ZH: "被拒绝的系统回调请求（企业微信事件、SCIM 推送），按 HTTP 状态"},
		{Name: ClockOffset, Kind: IsGauge, Labels: []string{"against"}, EN: "how far the other side's clock is ahead of ours: a system's, as its HTTP answers say (to a second), or the PostgreSQL record's", ZH: "对方的时钟比我们快多少：各系统取自 HTTP 应答（精确到秒），record 是 PostgreSQL 数据库"},
	}
}

// asked are what is known of processes and flows.
func asked() []Family {
	flow := []string{"flow"}
	return []Family{
		{Name: Build, Kind: IsGauge, Labels: []string{"version", "go"}, Asked: true, EN: "1, with the version as a label", ZH: "恒为 1，版本在标签里"},
		{Name: RecordUp, Kind: IsGauge, Asked: true, EN: "1 while the record answers, else 0; what is read of it is missing then", ZH: "数据库能应答为 1，否则为 0，此时取自数据库的各项都没有"},
		{Name: RedisUp, Kind: IsGauge, Asked: true, EN: "1 while Redis gives and takes what this process asks for, else 0; not shown where none is used", ZH: "Redis 正常收发为 1，否则为 0；不用 Redis 时没有这一项"},
		{Name: RecordReadTimes, Kind: IsGauge, Asked: true, EN: "how long the last look at the record took", ZH: "最近一次查询数据库的耗时"},
		{Name: LastRun, Kind: IsGauge, Labels: []string{"flow", "state"}, Asked: true, EN: "1 under the state of the flow's newest full run", ZH: "流程最近一次完整运行所处的状态为 1"},
		{Name: LastSuccess, Kind: IsGauge, Labels: flow, Asked: true, EN: "when a full run of the flow last succeeded or found nothing to do", ZH: "流程最近一次完整运行成功（或无需变更）的时间"},
		{Name: Overdue, Kind: IsGauge, Labels: flow, Asked: true, EN: "how long the first scheduled time is past that no success followed; 0: none. A flow that never succeeded counts from the start of the process", ZH: "上次成功之后第一个定时点已过去多久仍没有成功；没有为 0。从未成功的流程从进程启动算起"},
		{Name: Paused, Kind: IsGauge, Labels: flow, Asked: true, EN: "1 while the flow is paused, in the chat or in the configuration", ZH: "流程暂停中为 1（聊天里或配置里暂停）"},
		{Name: SnapshotAge, Kind: IsGauge, Labels: flow, Asked: true, EN: "age of the last complete listing of the source", ZH: "来源最近一次完整读取距今多久"},
		{Name: LeaseHeld, Kind: IsGauge, Labels: flow, Asked: true, EN: "1 while somebody works on the flow", ZH: "有进程正在处理该流程为 1"},
		{Name: RefusedByDoor, Kind: IsCounter, Labels: []string{"platform", "reason"}, Asked: true, EN: "messages and events of chat platforms that were refused, by reason", ZH: "被拒绝的聊天平台消息和事件，按原因"},
	}
}

// waiting are what the record says is to be done.
func waiting() []Family {
	return []Family{
		{Name: OpenRuns, Kind: IsGauge, Labels: []string{"flow", "state"}, Asked: true, EN: "runs that have not ended", ZH: "尚未结束的运行数"},
		{Name: OpenRunAge, Kind: IsGauge, Labels: []string{"flow", "state"}, Asked: true, EN: "age of the oldest of them, from its birth", ZH: "其中最早一个从创建起的时间"},
		{Name: DueRuns, Kind: IsGauge, Asked: true, EN: "runs that need a worker and have none", ZH: "等待工作进程的运行数"},
		{Name: DueRunAge, Kind: IsGauge, Asked: true, EN: "how long the oldest of them has been left", ZH: "其中最早一个已等待的时间"},
		{Name: ApprovalEnds, Kind: IsGauge, Labels: []string{"flow"}, Asked: true, EN: "when the flow's next approval expires", ZH: "流程最近一个审批的到期时间"},
		{Name: OutboxWaiting, Kind: IsGauge, Labels: []string{"way"}, Asked: true, EN: "messages that wait to be sent", ZH: "等待发送的消息数"},
		{Name: OutboxAge, Kind: IsGauge, Labels: []string{"way"}, Asked: true, EN: "age of the oldest of them", ZH: "其中最早一条的时间"},
		{Name: OutboxFailed, Kind: IsGauge, Labels: []string{"way"}, Asked: true, EN: "messages that were given up in the last 30 days", ZH: "近 30 天内放弃发送的消息数"},
		{Name: InboxUnhandled, Kind: IsGauge, Asked: true, EN: "messages that were taken and not yet answered", ZH: "已收下、尚未处理的消息数"},
		{Name: InboxAge, Kind: IsGauge, Asked: true, EN: "age of the oldest of them", ZH: "其中最早一条的时间"},
	}
}
