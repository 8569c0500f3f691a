export default {
  output: 'standalone',
  // Where this project ends, also if there is another one around it.
  outputFileTracingRoot: import.meta.dirname,
  // Its addon is a file, which a bundle would leave behind.
  serverExternalPackages: ['readyup'],
};
