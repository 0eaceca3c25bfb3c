//! The seeded bugs, and the models that each of them must not get past.

/// A bug that `PELMENI_MUTANT` switches on by its number.
pub(crate) struct Mutant {
    pub(crate) id: u16,
    /// Where it is, under `crates`.
    pub(crate) file: &'static str,
    pub(crate) what: &'static str,
    /// The models that kill it, each by itself.
    pub(crate) killed_by: &'static [&'static str],
}

const fn mutant(
    id: u16,
    file: &'static str,
    what: &'static str,
    killed_by: &'static [&'static str],
) -> Mutant {
    Mutant { id, file, what, killed_by }
}

const BIAS: &str = "pelmeni-core/src/bias.rs";
const STATE: &str = "pelmeni-core/src/state.rs";
const JOIN: &str = "pelmeni-core/src/join.rs";
const RUNNABLE: &str = "pelmeni-core/src/runnable.rs";
const LIST: &str = "pelmeni-core/src/list.rs";
const WORD_LOCK: &str = "pelmeni-core/src/word_lock.rs";
const PARK: &str = "pelmeni-core/src/park.rs";
const ALARM: &str = "pelmeni-driver/src/alarm.rs";
const BELL: &str = "pelmeni-driver/src/bell.rs";
const DRAINED: &str = "pelmeni-driver/src/drained.rs";
const NODE: &str = "pelmeni-driver/src/node.rs";
const READINESS: &str = "pelmeni-driver/src/readiness.rs";
const REGISTRATION: &str = "pelmeni-driver/src/registration.rs";
const SOURCE: &str = "pelmeni-driver/src/source.rs";
const TIMER: &str = "pelmeni-driver/src/timer.rs";
const LEVELS: &str = "pelmeni-driver/src/levels.rs";
const WHEEL: &str = "pelmeni-driver/src/wheel.rs";
const GATE: &str = "pelmeni-sync/src/gate.rs";
const NOTIFY: &str = "pelmeni-sync/src/notify.rs";
const ONESHOT: &str = "pelmeni-sync/src/oneshot/channel.rs";
const ONESHOT_STATE: &str = "pelmeni-sync/src/oneshot/state.rs";
const PERMITS: &str = "pelmeni-sync/src/permits.rs";
const IDLE: &str = "pelmeni-scheduler/src/idle.rs";
const SEARCH: &str = "pelmeni-scheduler/src/search.rs";
const CREW: &str = "pelmeni-scheduler/src/crew.rs";
const LOOKOUT: &str = "pelmeni-scheduler/src/lookout.rs";
const SEAT: &str = "pelmeni-scheduler/src/seat.rs";
const MONITOR: &str = "pelmeni-scheduler/src/monitor.rs";
const NEWCOMERS: &str = "pelmeni-scheduler/src/newcomers.rs";
const REGISTRY: &str = "pelmeni-scheduler/src/registry.rs";
const ROOM: &str = "pelmeni-scheduler/src/room.rs";
const ROOT: &str = "pelmeni-scheduler/src/root.rs";
const SCHEDULER: &str = "pelmeni-scheduler/src/scheduler.rs";
const REST: &str = "pelmeni-scheduler/src/rest.rs";
const WORKER: &str = "pelmeni-scheduler/src/worker.rs";
const DRIVE: &str = "pelmeni-scheduler/src/drive.rs";
const SPARE: &str = "pelmeni-scheduler/src/spare.rs";
const SLEEP: &str = "pelmeni-scheduler/src/sleep.rs";
const WATCH: &str = "pelmeni-scheduler/src/watch.rs";

pub(crate) const TABLE: &[Mutant] = &[
    mutant(
        1,
        STATE,
        "the end of a poll publishes nothing",
        &["task::polled_by_one_thread_then_by_another"],
    ),
    mutant(
        2,
        STATE,
        "a wake that finds the task scheduled leaves no trace",
        &["task::wake_while_polled", "task::two_wakes_at_once"],
    ),
    mutant(
        3,
        STATE,
        "the end of a poll forgets the wakes that came meanwhile",
        &["task::wake_while_polled", "task::two_wakes_at_once", "waiters::value_sent_to_a_task"],
    ),
    mutant(
        4,
        STATE,
        "a joiner that comes too late is not told",
        &["join::joined_while_task_completes", "join::task_joins_task"],
    ),
    mutant(
        5,
        STATE,
        "a dropped reference publishes and sees nothing",
        &["task::last_reference_dropped", "task::taken_from_the_registry_while_it_ends"],
    ),
    mutant(
        103,
        STATE,
        "a request or an abort does not wake",
        &["task::abort_while_polled", "task::cancel_while_polled"],
    ),
    mutant(
        105,
        STATE,
        "completion publishes nothing",
        &["task::abort_races_completion", "join::joined_while_task_completes"],
    ),
    mutant(
        120,
        STATE,
        "a wake that is the last reference does not free",
        &["task::last_reference_woken"],
    ),
    mutant(
        121,
        STATE,
        "a request that the task has found counts as taken back",
        &["task::uncancel_races_the_poll"],
    ),
    mutant(
        109,
        STATE,
        "a handle detaches from a complete task",
        &[
            "join::handle_dropped_while_task_completes",
            "join::handle_and_kill_switch_dropped_while_task_completes",
        ],
    ),
    mutant(
        116,
        STATE,
        "a handle takes the slot back from a complete task",
        &["join::joiner_replaced_while_task_completes"],
    ),
    mutant(
        104,
        JOIN,
        "a handle forgets the output",
        &[
            "join::handle_dropped_while_task_completes",
            "join::handle_and_kill_switch_dropped_while_task_completes",
        ],
    ),
    mutant(
        118,
        RUNNABLE,
        "a dropped Runnable does not end its task",
        &["task::runnable_dropped_while_woken"],
    ),
    mutant(110, LIST, "a push publishes nothing", &["list::two_push_and_one_takes"]),
    mutant(111, LIST, "a push that fails is not tried again", &["list::two_push_and_one_takes"]),
    mutant(119, LIST, "an inbox gives the last first", &["list::inbox_keeps_the_order"]),
    mutant(117, LIST, "a dropped inbox forgets its tasks", &["list::what_is_left_is_cancelled"]),
    mutant(
        112,
        LIST,
        "two can take one task out of a slot",
        &["list::slot_is_stolen_from", "worker::stuck_worker_comes_back"],
    ),
    mutant(113, LIST, "filling a slot publishes nothing", &["list::slot_is_stolen_from"]),
    mutant(
        6,
        PARK,
        "a sleeper does not look again under the lock",
        &["park::unpark_while_lying_down", "park::two_unpark_one"],
    ),
    mutant(
        106,
        PARK,
        "an unpark rings before the sleeper listens",
        &["park::unpark_while_lying_down"],
    ),
    mutant(114, PARK, "a token that finds a token publishes nothing", &["park::two_unpark_one"]),
    mutant(
        115,
        PARK,
        "who leaves for elsewhere overlooks a token",
        &["park::unpark_while_leaving_for_elsewhere"],
    ),
    mutant(
        8,
        BELL,
        "a ring that finds the bell ringing publishes nothing",
        &[
            "driver::notification_reaches_the_sleeper",
            "driver::notification_outlives_a_wait_that_ends_by_an_event",
        ],
    ),
    mutant(
        81,
        BELL,
        "a sleeper that answers the bell sees nothing",
        &[
            "driver::notification_reaches_the_sleeper",
            "driver::notification_outlives_a_wait_that_ends_by_an_event",
        ],
    ),
    mutant(
        13,
        READINESS,
        "readiness is cleared though an event came meanwhile",
        &[
            "driver::event_is_never_lost",
            "driver::two_readers_share_a_source",
            "driver::short_read_loses_no_bytes",
        ],
    ),
    mutant(
        15,
        READINESS,
        "an event sets readiness whoever the slot's owner is",
        &["driver::stale_event_finds_nobody"],
    ),
    mutant(
        150,
        READINESS,
        "an event looks whose the slot is before it has the lock",
        &["driver::stale_event_finds_nobody"],
    ),
    mutant(
        130,
        SOURCE,
        "both directions share one word",
        &["driver::directions_do_not_disturb_each_other"],
    ),
    mutant(
        90,
        NODE,
        "a timer keeps the waker of an earlier poll",
        &["driver::last_waker_is_woken"],
    ),
    mutant(
        151,
        REGISTRATION,
        "what came since the source entered is taken for seen",
        &["driver::first_wait_registers", "driver::first_wait_after_a_try_registers"],
    ),
    mutant(
        296,
        REGISTRATION,
        "a task that may try once more is not woken for it",
        &["driver::first_wait_after_a_try_registers"],
    ),
    mutant(
        152,
        READINESS,
        "a source that leaves wakes its waiters before it is gone",
        &["driver::leaving_wakes_whoever_waits"],
    ),
    mutant(
        153,
        WHEEL,
        "a timer that is the earliest does not say so",
        &["driver::earlier_timer_ends_the_sleep"],
    ),
    mutant(
        154,
        ALARM,
        "a timer that fires publishes nothing",
        &["driver::timer_is_dropped_while_it_fires"],
    ),
    mutant(
        155,
        WHEEL,
        "a reset believes what it saw before it had the lock",
        &["driver::timer_is_reset_while_it_fires"],
    ),
    mutant(
        295,
        TIMER,
        "a timer that fires while it is reset stays with its wheel",
        &["driver::timer_is_reset_while_it_fires"],
    ),
    mutant(
        293,
        WHEEL,
        "a timer that comes to a quiet wheel leaves it quiet",
        &["driver::timer_comes_while_the_wheel_grows_quiet"],
    ),
    mutant(
        294,
        WHEEL,
        "a wheel grows quiet without the lock",
        &["driver::timer_comes_while_the_wheel_grows_quiet"],
    ),
    mutant(
        246,
        WHEEL,
        "a waker is left for a timer that has fired meanwhile",
        &["driver::last_waker_is_woken"],
    ),
    mutant(
        248,
        TIMER,
        "a timer that fires between two looks enters the wheel again",
        &["driver::last_waker_is_woken"],
    ),
    mutant(
        268,
        NODE,
        "who takes a waker writes where its owner may look",
        &["driver::waker_is_looked_at_while_the_timer_fires"],
    ),
    mutant(
        271,
        LEVELS,
        "a timer wakes before it says that it has fired",
        &["driver::waker_is_looked_at_while_the_timer_fires"],
    ),
    mutant(
        247,
        NODE,
        "the way to the next timer leads through one that may be gone",
        &["driver::neighbours_are_dropped_while_they_fire"],
    ),
    mutant(
        20,
        PERMITS,
        "a waiter that gives up keeps its permit",
        &["waiters::permit_is_handed_on_when_its_waiter_gives_up", "waiters::lock_is_exclusive"],
    ),
    mutant(
        21,
        NOTIFY,
        "a waiter that gives up keeps its call",
        &["waiters::call_is_passed_on_when_its_waiter_gives_up"],
    ),
    mutant(
        250,
        ONESHOT,
        "a half gives its waker away when nobody takes it any more",
        &["oneshot::sent_to_whoever_waits", "oneshot::both_halves_wait_and_one_ends_it"],
    ),
    mutant(
        251,
        ONESHOT,
        "a half looks at the waker that it has given away",
        &["oneshot::waits_with_another_waker"],
    ),
    mutant(
        252,
        ONESHOT_STATE,
        "a value is sent although the receiver has closed",
        &["oneshot::closed_while_sent", "oneshot::both_halves_wait_and_one_ends_it"],
    ),
    mutant(
        253,
        ONESHOT_STATE,
        "of two halves that leave at once, both believe what they saw before",
        &["oneshot::both_are_dropped"],
    ),
    mutant(
        269,
        ONESHOT_STATE,
        "a sender that has nobody to wake forgets to leave",
        &["oneshot::sent_to_whoever_waits"],
    ),
    mutant(25, GATE, "wakers are invoked under the lock", &["waiters::waker_calls_back"]),
    mutant(
        27,
        GATE,
        "a waiter does not look again before it lies down",
        &["waiters::event_set_while_waiter_lies_down", "waiters::lock_is_exclusive"],
    ),
    mutant(
        7,
        IDLE,
        "the last searcher keeps the search to itself",
        &["idle::last_searcher_passes_the_search_on"],
    ),
    mutant(
        10,
        SEARCH,
        "a queue that somebody else is at counts as empty",
        &["idle::search_that_finds_nothing_has_seen_every_queue_empty"],
    ),
    mutant(
        107,
        IDLE,
        "no fence between a task and the look for sleepers",
        &[
            "idle::task_comes_while_worker_falls_asleep",
            "idle::two_bring_work_while_worker_wakes_by_itself",
        ],
    ),
    mutant(
        108,
        IDLE,
        "no fence between falling asleep and the look for tasks",
        &[
            "idle::task_comes_while_worker_falls_asleep",
            "idle::last_searcher_passes_the_search_on",
            "idle::driver_is_left_while_worker_falls_asleep",
        ],
    ),
    mutant(
        249,
        IDLE,
        "no fence between leaving a driver and the look for who sleeps",
        &["idle::driver_is_left_while_worker_falls_asleep"],
    ),
    mutant(
        9,
        IDLE,
        "a worker that wakes by itself does not hear that it was picked",
        &["idle::task_comes_while_worker_falls_asleep"],
    ),
    mutant(
        200,
        IDLE,
        "a notifier that finds no sleeper does not look again",
        &["idle::two_bring_work_while_worker_wakes_by_itself"],
    ),
    mutant(
        201,
        WATCH,
        "a worker that wakes up looks for the monitor without a fence",
        &["watch::monitor_dozes_while_a_worker_wakes_up"],
    ),
    mutant(
        202,
        WATCH,
        "the monitor looks for workers without a fence",
        &["watch::two_workers_rouse_the_monitor"],
    ),
    mutant(
        203,
        WATCH,
        "a worker takes back what it does not make untrue",
        &["watch::two_workers_rouse_the_monitor"],
    ),
    mutant(
        267,
        WATCH,
        "the monitor does not see that it was roused",
        &["watch::monitor_dozes_while_a_worker_wakes_up"],
    ),
    mutant(
        204,
        READINESS,
        "an event does not say that the stream has ended",
        &["driver::short_read_loses_no_end"],
    ),
    mutant(
        205,
        DRAINED,
        "a short read counts as the last one although there was an event since",
        &["driver::short_read_loses_no_bytes"],
    ),
    mutant(
        228,
        CREW,
        "who is on watch leaves although a job waits",
        &["crew::short_jobs_block_on_those_behind_them"],
    ),
    mutant(
        229,
        CREW,
        "who is on watch is not called when nobody else is idle",
        &["crew::called_while_on_watch"],
    ),
    mutant(
        230,
        CREW,
        "a thread whose time is over does not hear that it was called",
        &["crew::idle_thread_ends_as_a_job_comes"],
    ),
    mutant(
        231,
        CREW,
        "a thread that takes a job does not call the next",
        &["crew::jobs_block_on_those_behind_them"],
    ),
    mutant(
        232,
        CREW,
        "an idle thread is not called when the one that was to come cannot be started",
        &["crew::only_the_first_thread_can_be_started"],
    ),
    mutant(
        233,
        CREW,
        "jobs wait for a thread where there is none",
        &["crew::no_thread_can_be_started", "crew::first_thread_cannot_be_started"],
    ),
    mutant(
        234,
        CREW,
        "a thread that cannot be started does not count as ended",
        &["crew::closed_while_no_thread_can_be_started"],
    ),
    mutant(
        235,
        CREW,
        "a thread leaves a job behind when its time is over",
        &["crew::only_thread_is_about_to_end"],
    ),
    mutant(
        236,
        CREW,
        "a crew that closes does not wake its idle threads",
        &["crew::closed_while_a_job_comes"],
    ),
    mutant(
        237,
        CREW,
        "a job that comes after the end is queued",
        &["crew::closed_while_a_job_comes"],
    ),
    mutant(
        238,
        CREW,
        "more threads are called than there may be",
        &["crew::idle_thread_ends_as_a_job_comes"],
    ),
    mutant(
        239,
        SCHEDULER,
        "tasks that have not arrived are not counted",
        &["newcomers::task_comes_while_the_runtime_closes"],
    ),
    mutant(
        262,
        REGISTRY,
        "a registry takes a task in although it is closed",
        &["worker::worker_spawns_while_the_runtime_closes"],
    ),
    mutant(
        263,
        SCHEDULER,
        "who waits for the last task is not told of its end",
        &["worker::worker_spawns_while_the_runtime_closes"],
    ),
    mutant(
        240,
        NEWCOMERS,
        "a task comes in although no more may",
        &["newcomers::task_comes_while_the_runtime_closes"],
    ),
    mutant(
        242,
        NEWCOMERS,
        "a thread that is refused does not see the runtime closing, and tells nobody",
        &["newcomers::task_comes_while_the_runtime_closes"],
    ),
    mutant(
        244,
        CREW,
        "a crew that closes does not wake who is on watch",
        &["crew::called_while_on_watch"],
    ),
    mutant(
        245,
        LOOKOUT,
        "one thread at work is thought to be enough though nobody is on watch",
        &["crew::short_jobs_block_on_those_behind_them"],
    ),
    mutant(264, CREW, "who is alert is not called", &["crew::called_while_alert"]),
    mutant(
        265,
        CREW,
        "a crew that closes does not wake who is alert",
        &["crew::called_while_alert"],
    ),
    mutant(
        266,
        CREW,
        "a thread that was called where it rests is still said to be coming",
        &["crew::called_when_no_longer_alert"],
    ),
    mutant(
        220,
        CREW,
        "a thread that wakes up takes another that rests there for itself",
        &["crew::another_is_on_watch_already"],
    ),
    mutant(
        241,
        NEWCOMERS,
        "a task leaves the count before it is seen in a registry",
        &["newcomers::newcomer_is_counted_until_it_is_registered"],
    ),
    mutant(
        206,
        SEAT,
        "a worker that falls asleep overlooks the inboxes",
        &["worker::task_comes_from_outside"],
    ),
    mutant(
        207,
        SEARCH,
        "what a stuck worker would run next stays with it",
        &["worker::next_slot_of_a_stuck_worker"],
    ),
    mutant(
        208,
        MONITOR,
        "a worker is marked as stuck, and nobody is woken",
        &["worker::next_slot_of_a_stuck_worker"],
    ),
    mutant(
        256,
        MONITOR,
        "a poll that queues tasks counts as stuck at once",
        &["worker::poll_that_queues_tasks_gets_on"],
    ),
    mutant(
        257,
        MONITOR,
        "a poll that has queued tasks once is left alone",
        &["worker::poll_that_queues_tasks_gets_on"],
    ),
    mutant(209, WORKER, "who leaves tells nobody of what it leaves", &["worker::caller_goes"]),
    mutant(
        270,
        WORKER,
        "a task that must run here comes after each of the others",
        &["worker::pinned_task_waits_for_many"],
    ),
    mutant(
        258,
        WORKER,
        "two tasks that must run here leave no turn to a single other one",
        &["worker::pinned_tasks_let_others_go_first"],
    ),
    mutant(213, WORKER, "who leaves forgets the next slot", &["worker::caller_goes"]),
    mutant(
        210,
        WORKER,
        "who leaves does not say that nobody waits for the kernel any more",
        &["drive::kernel_is_handed_on"],
    ),
    mutant(
        243,
        WORKER,
        "who leaves does not say that there is a driver where nobody waits",
        &["drive::driver_is_handed_on"],
    ),
    mutant(
        297,
        ROOM,
        "a driver is left to somebody who has announced its sleep",
        &["drive::kernel_is_left_to_a_caller_who_goes"],
    ),
    mutant(
        298,
        ROOM,
        "a driver is left to a worker that is stuck",
        &["drive::kernel_of_a_stuck_worker_who_has_the_only_core"],
    ),
    mutant(
        254,
        SCHEDULER,
        "who leaves a driver to somebody does not see that he was woken for another one",
        &["drive::two_drivers_are_handed_on"],
    ),
    mutant(
        255,
        DRIVE,
        "who leaves sees one worker wait with two drivers, and wakes nobody",
        &["drive::worker_changes_drivers_while_a_caller_leaves"],
    ),
    mutant(
        211,
        DRIVE,
        "the monitor does not see that nobody waits for the kernel",
        &["drive::kernel_of_a_stuck_worker"],
    ),
    mutant(
        219,
        DRIVE,
        "who waits with another group's driver is looked for at the first",
        &["drive::interrupted_with_another_group"],
    ),
    mutant(
        261,
        DRIVE,
        "a worker takes two looks of another one for two others who wait",
        &["drive::worker_changes_drivers_while_another_falls_asleep"],
    ),
    mutant(
        272,
        DRIVE,
        "who stays awake for events takes the token that ends it, and waits",
        &["drive::kernel_is_handed_on"],
    ),
    mutant(
        222,
        DRIVE,
        "a worker waits with its own group's driver only",
        &["drive::event_for_another_group"],
    ),
    mutant(
        221,
        SEARCH,
        "a searcher does not look at the drivers of others",
        &["drive::kernel_of_a_stuck_group"],
    ),
    mutant(
        212,
        SEARCH,
        "a task that a stuck worker's timer wakes here is slept on",
        &["sleep::timer_of_a_stuck_worker"],
    ),
    mutant(214, SPARE, "a spare that sleeps is not told to go", &["worker::spare_comes_and_goes"]),
    mutant(
        215,
        SLEEP,
        "a timer is set earlier, and its worker is not told",
        &["sleep::timer_is_set_earlier"],
    ),
    mutant(
        216,
        SLEEP,
        "a timer is armed for another worker, which is not told",
        &["sleep::visitor_arms_a_timer"],
    ),
    mutant(
        218,
        REST,
        "a searcher that saw work leaves it for a task of its own",
        &["worker::searcher_is_kept_from_what_it_saw"],
    ),
    mutant(
        217,
        WHEEL,
        "a wheel that is closed takes a timer",
        &["driver::timer_is_polled_while_its_wheel_closes"],
    ),
    mutant(
        259,
        LEVELS,
        "a timer that comes during a descent overtakes those of its slot",
        &["driver::timers_come_and_go_while_others_move_down"],
    ),
    mutant(
        260,
        LEVELS,
        "a worker sleeps although a descent is left",
        &["driver::timers_come_and_go_while_others_move_down"],
    ),
    mutant(223, WORD_LOCK, "the end of a lock publishes nothing", &["driver::event_is_never_lost"]),
    mutant(
        224,
        READINESS,
        "who begins to read has the poller forget a writer that waits",
        &["driver::reader_asks_while_a_writer_waits"],
    ),
    mutant(
        225,
        READINESS,
        "who waits believes an old word that says that the poller was asked",
        &["driver::reader_asks_while_a_writer_waits"],
    ),
    mutant(
        226,
        STATE,
        "the end of a poll forgets the references that the poll has made",
        &["task::waker_is_used_while_the_poll_that_made_it_goes_on"],
    ),
    mutant(
        227,
        STATE,
        "the end of a task forgets the references that its last poll has made",
        &["task::waker_of_the_last_poll", "task::waker_of_the_last_poll_of_a_detached_task"],
    ),
    mutant(
        273,
        BIAS,
        "a wake by the owner that comes during a poll is forgotten",
        &["bias::woken_here_during_the_poll"],
    ),
    mutant(
        274,
        BIAS,
        "the end of a poll forgets the owner's wake that came meanwhile",
        &["bias::woken_here_during_the_poll"],
    ),
    mutant(
        275,
        STATE,
        "whoever sends a message does not see that the one before it is off the list",
        &["bias::woken_twice_abroad"],
    ),
    mutant(276, STATE, "a message has no reference", &["bias::owner_leaves_and_another_comes"]),
    mutant(
        277,
        RUNNABLE,
        "the end of a task forgets the references that its owner has lent",
        &["bias::references_from_here_are_dropped_abroad"],
    ),
    mutant(
        278,
        STATE,
        "a waker that goes takes its message's reference with it",
        &["bias::task_ends_while_a_message_is_on_its_way"],
    ),
    mutant(
        279,
        RUNNABLE,
        "an owner who leaves sends a second message",
        &["bias::owner_leaves_and_another_comes"],
    ),
    mutant(
        280,
        BIAS,
        "the owner schedules a task that has not come to him yet",
        &["bias::made_abroad_and_aborted_here"],
    ),
    mutant(
        281,
        STATE,
        "the message of an abort has no reference",
        &["bias::aborted_here_and_abroad"],
    ),
    mutant(
        282,
        RUNNABLE,
        "an owner who leaves takes a new task for one that has sent a message",
        &["bias::made_abroad_and_left_unpolled"],
    ),
    mutant(
        283,
        LIST,
        "a closed inbox takes a task",
        &["bias::message_to_nobody", "bias::root_woken_in_the_last_poll"],
    ),
    mutant(
        284,
        RUNNABLE,
        "the end of a task forgets the references that its output's drop has made",
        &["bias::output_clones_its_waker"],
    ),
    mutant(
        285,
        RUNNABLE,
        "a message that is dropped keeps its reference",
        &["bias::message_to_nobody", "bias::task_woken_in_the_last_poll"],
    ),
    mutant(
        286,
        WORKER,
        "the end of a runtime of one thread leaves the inboxes open",
        &["bias::root_woken_in_the_last_poll"],
    ),
    mutant(
        287,
        RUNNABLE,
        "a poll that yields forgets the references that it has lent",
        &["bias::waker_of_a_poll_that_yields"],
    ),
    mutant(
        288,
        RUNNABLE,
        "a message schedules a task that is scheduled already",
        &["bias::woken_here_and_abroad"],
    ),
    mutant(
        289,
        RUNNABLE,
        "an owner who leaves keeps the right to poll what he sends",
        &["bias::owner_leaves_and_another_comes"],
    ),
    mutant(
        290,
        ROOT,
        "whoever leaves a runtime of one thread when it ends leaves the inboxes open",
        &["bias::runtime_ends_before_its_caller_leaves"],
    ),
    mutant(
        291,
        STATE,
        "a wake of a new task that is on its way sends another message",
        &["bias::made_abroad_and_woken_at_once"],
    ),
    mutant(
        292,
        WORKER,
        "the end of a runtime of one thread waits for no message that is on its way",
        &["bias::task_woken_while_the_runtime_ends"],
    ),
];
