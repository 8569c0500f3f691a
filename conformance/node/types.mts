// What programs in TypeScript say to the stand-ins, as the originals' types have it. It is compiled, and never run.
import wrapper from '@readyup/sdnotify-wrapper';
import sd, { booted, listen_fds, socket, watchdog as heartbeat } from '@readyup/systemd-daemon';
import notify, {
  type JournalPrint,
  type Log,
  journalPrint,
  log,
  ready,
  sendState,
  sendStatus,
  startWatchdogMode,
  stopWatchdogMode,
  stopping,
  watchdog,
  watchdogInterval,
} from '@readyup/sd-notify';

const nothing: void[] = [
  ready(),
  stopping(process.pid),
  stopping(),
  watchdog(),
  startWatchdogMode(watchdogInterval() / 2),
  stopWatchdogMode(),
  sendStatus('Up'),
  sendState('READY=1'),
  // `@types/sd-notify` has it so.
  sendState(['READY=1']),
  journalPrint(6, 'Up'),
  notify.ready(),
];
const print: JournalPrint = log.info;
print(['as `@types/sd-notify` has it']);
print('as it', 'is used', 8080);
const all: Log = notify.log;
all.emergency('all is lost');

nothing.push(sd.notify('READY=1'), heartbeat.start(), heartbeat.stop());
const period: number = heartbeat.enabled();
const first: 3 = listen_fds.start;
const passed: { fd: number } | null = socket(listen_fds() - 1) ?? socket('http') ?? socket();
const system: boolean = booted();
booted((answer: boolean) => console.log(answer, system, passed, first + period));

const sent: Promise<void> = wrapper.notify(false, 'READY=1');
await sent;
