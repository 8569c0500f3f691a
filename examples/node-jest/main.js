const { serve } = require('./server.js');

serve(Number(process.env.PORT ?? 8080));
