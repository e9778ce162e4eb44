/** With log-forwarding.yml: a subscription for the log group of each function and each task. */
const path = require('node:path');

module.exports = async ({ resolveVariable }) => {
  const { loadTasks } = await import('../lib/tasks/registry.ts');
  const { checkForwarding, subscriptions } = await import('../lib/aws/log-subscriptions.ts');
  checkForwarding(
    await resolveVariable('param:splunkHecUrl'),
    await resolveVariable('param:splunkHecTokenSecret'),
  );
  const functions = Object.keys(await resolveVariable('self:functions'));
  const tasks = await loadTasks(process.env.LONGSHORE_TASKS ?? path.join(__dirname, '../tasks'));
  return { Resources: subscriptions(functions, tasks.keys()) };
};
