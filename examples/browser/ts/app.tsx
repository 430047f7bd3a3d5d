/** The frame around every screen: who is inside, where one can go, and what one must be told wherever one is. */
import { computed, signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Account } from "./account.ts";
import { explain } from "./explain.ts";
import { isBackupOwed } from "./memory.ts";
import { Notices } from "./parts/notices.tsx";
import { Archives } from "./screens/archives.tsx";
import { FirstBackup } from "./screens/backup.tsx";
import { Categories } from "./screens/categories.tsx";
import { Devices } from "./screens/devices.tsx";
import { Door } from "./screens/door.tsx";
import { Records } from "./screens/records.tsx";
import { Reports } from "./screens/reports.tsx";
import { Screenshots } from "./screens/screenshots.tsx";
import { Security } from "./screens/security.tsx";
import { Voice } from "./screens/voice.tsx";
import { lock, stage } from "./stage.ts";
import { away, watch } from "./watch.ts";

const SCREENS = {
  reports: { title: "Reports", Screen: Reports },
  screenshots: { title: "Screenshots", Screen: Screenshots },
  voice: { title: "Voice", Screen: Voice },
  records: { title: "Records", Screen: Records },
  archives: { title: "Archives", Screen: Archives },
  devices: { title: "Devices", Screen: Devices },
  categories: { title: "Categories", Screen: Categories },
  security: { title: "Security", Screen: Security },
} as const;
type Name = keyof typeof SCREENS;

const hash = signal(location.hash);
addEventListener("hashchange", () => hash.value = location.hash);
const name = computed((): Name => {
  const wanted = hash.value.slice(1);
  return Object.hasOwn(SCREENS, wanted) ? wanted as Name : "reports";
});

export function App() {
  const { value } = stage;
  if (value.at === "starting") return <main class="door"><p role="status">One moment…</p></main>;
  if (value.at === "door") return <Door login={value.login ?? ""} error={value.error} isKept={value.isKept ?? false} />;
  return <Inside key={value.account.info.value.account} account={value.account} />;
}

function Inside({ account }: { account: Account }) {
  const owesBackup = useSignal(isBackupOwed(account.info.value.account));
  useEffect(() => {
    const inside = new AbortController();
    void watch(account, inside);
    return () => inside.abort();
  }, [account]);
  const { title, Screen } = SCREENS[name.value];
  useEffect(() => {
    document.title = `${owesBackup.value ? "Backup" : title} · Blindtally`;
  }, [title, owesBackup.value]);
  if (owesBackup.value) return <FirstBackup account={account} onDone={() => owesBackup.value = false} />;
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>Skip to content</a>
      <header>
        <p class="brand"><img src="./icon.svg" alt="" width="24" height="24" />Blindtally</p>
        <nav aria-label="Screens">
          <ul>
            {Object.entries(SCREENS).map(([each, { title }]) => (
              <li key={each}><a href={`#${each}`} aria-current={each === name.value ? "page" : undefined}>{title}</a></li>
            ))}
          </ul>
        </nav>
        <p class="who"><bdi>{account.info.value.login}</bdi> <button onClick={() => void lock(account)}>Lock</button></p>
      </header>
      <main id="main" tabIndex={-1}>
        <Away account={account} />
        <Notices account={account} />
        <h1>{title}</h1>
        <Screen key={name.value} account={account} />
      </main>
    </>
  );
}

function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Away({ account }: { account: Account }) {
  return (
    <div role="status">
      {account.isUnstored.value && <p class="failure">Your last change is not stored yet, and is lost if you lock or close this page now.</p>}
      {away.value !== undefined && <p class="failure">{explain(away.value)} Trying again by itself.</p>}
    </div>
  );
}
