// Prints what the published files are made of, as CycloneDX: the crates that are linked into the commands and the addon.
// The npm package has no dependencies.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const cargo = ['metadata', '--format-version=1', '--locked', '--filter-platform=x86_64-unknown-linux-gnu'];
const { packages, resolve } = JSON.parse(
  execFileSync('cargo', cargo, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  }),
);
const npm = JSON.parse(readFileSync(new URL('packages/readyup/package.json', root), 'utf8'));
if (Object.keys(npm.dependencies ?? {}).length > 0) throw new Error('the npm package has dependencies: tell them here');

// What Cargo.lock has for each crate is what it was checked against.
const lock = readFileSync(new URL('Cargo.lock', root), 'utf8').split('[[package]]');
const field = (text, name) => new RegExp(`^${name} = "(.*)"$`, 'm').exec(text)?.[1];
const checksum = ({ name, version }) =>
  field(lock.find((text) => field(text, 'name') === name && field(text, 'version') === version) ?? '', 'checksum');

const byId = new Map(packages.map((each) => [each.id, each]));
const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
const published = ['readyup-cli', 'readyup-notify', 'readyup-node'];
const found = new Set();
const edges = (id) =>
  nodes
    .get(id)
    .deps.filter(({ dep_kinds: kinds }) => kinds.some(({ kind }) => kind === null))
    .map(({ pkg }) => pkg);
const visit = (id) => {
  if (found.has(id)) return;
  found.add(id);
  edges(id).forEach(visit);
};
packages.filter(({ name }) => published.includes(name)).forEach(({ id }) => visit(id));

const reference = (id) => `pkg:cargo/${byId.get(id).name}@${byId.get(id).version}`;
const ids = [...found].sort((one, other) => (reference(one) < reference(other) ? -1 : 1));
const own = `pkg:npm/${npm.name}@${npm.version}`;

const bill = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: {
    timestamp: new Date(Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000).toISOString(),
    component: {
      'bom-ref': own,
      type: 'application',
      name: npm.name,
      version: npm.version,
      purl: own,
      licenses: [{ expression: npm.license }],
    },
  },
  components: ids.map((id) => {
    const { name, version, license, description } = byId.get(id);
    const hash = checksum({ name, version });
    return {
      'bom-ref': reference(id),
      type: 'library',
      name,
      version,
      ...(description ? { description: description.trim() } : {}),
      purl: reference(id),
      // Some still write their alternatives as they did before there were expressions.
      ...(license ? { licenses: [{ expression: license.replaceAll('/', ' OR ') }] } : {}),
      ...(hash ? { hashes: [{ alg: 'SHA-256', content: hash }] } : {}),
    };
  }),
  dependencies: [
    { ref: own, dependsOn: ids.filter((id) => published.includes(byId.get(id).name)).map(reference) },
    ...ids.map((id) => ({
      ref: reference(id),
      dependsOn: edges(id)
        .filter((dependency) => found.has(dependency))
        .map(reference)
        .sort(),
    })),
  ],
};
console.log(JSON.stringify(bill, null, 2));
