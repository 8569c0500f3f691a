// Made on each request, so that what answers is the server, and no file.
export const dynamic = 'force-dynamic';

export default function Page() {
  return <p>hello from Next.js</p>;
}
