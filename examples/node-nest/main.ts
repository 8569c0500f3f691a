// NestJS as a service. `serve` takes the place of `app.listen()` and of `app.enableShutdownHooks()`.

import 'reflect-metadata';
import { Controller, Get, Injectable, Module, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readFile } from 'node:fs/promises';
import { serve } from 'readyup/serve';

@Injectable()
class Greeting implements OnModuleInit, BeforeApplicationShutdown {
  text = 'hello';

  async read(): Promise<void> {
    const file = process.env['GREETING_FILE'];
    if (file) this.text = (await readFile(file, 'utf8')).trim();
  }

  /** Before it is ready: what fails here fails the start. */
  async onModuleInit(): Promise<void> {
    await this.read();
  }

  /** Once everything is answered. */
  beforeApplicationShutdown(): void {
    console.log('closed');
  }
}

@Controller()
class GreetingController {
  constructor(private readonly greeting: Greeting) {}

  @Get()
  greet(): string {
    return `${this.greeting.text}\n`;
  }

  /** For seeing how a slow answer is waited for: ask for it, and stop the service. */
  @Get('slow')
  async slow(): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return 'at last\n';
  }
}

@Module({ controllers: [GreetingController], providers: [Greeting] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
const service = await serve(app, {
  port: process.env['PORT'] ?? 8080,
  host: '127.0.0.1',
  reload: () => app.get(Greeting).read(),
});
console.log(`serving on http://${service.where}`);
