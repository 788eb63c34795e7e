// Drives the published OpenKit library as an application would. Arguments: endpoint, application id, scenario.
import openkit from "@dynatrace/openkit-js";

const [endpoint, applicationId, scenario] = process.argv.slice(2);
const say = (fact) => console.log(JSON.stringify(fact));

const kit = new openkit.OpenKitBuilder(endpoint, applicationId, 4242)
  .withApplicationVersion("9.8.7")
  .withOperatingSystem("Harness OS 1.0")
  .withManufacturer("Söhne & Co")
  .withModelId("model-a")
  .build();

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const scenarios = {
  async shop() {
    const session = kit.createSession("203.0.113.7");
    session.identifyUser("alice@example.com");
    const checkout = session.enterAction("checkout");
    checkout.reportValue("cart.items", 3);
    checkout.reportValue("note", "a+b & c=d %41 ✓😀");
    checkout.reportEvent("coupon applied");
    const pay = session.enterAction("pay");
    pay.traceWebRequest("https://api.example.com/v1/pay?card=visa").start().setBytesSent(123).stop(201);
    pay.reportError("PaymentDeclined", 402);
    pay.leaveAction();
    session.sendBizEvent("com.example.order", { "order.id": "o-1", amount: 42.5, gift: true });
    await pause(1500); // the first beacon leaves while the action is open
    checkout.leaveAction();
    session.reportCrash("TypeError", "x is undefined", "TypeError: x is undefined\n  at pay");
    session.end();
  },
  async twice() {
    const first = kit.createSession();
    first.identifyUser("alice@example.com");
    first.enterAction("one").leaveAction();
    first.end();
    const second = kit.createSession();
    second.enterAction("two").leaveAction();
    second.end();
  },
  async large() {
    const session = kit.createSession();
    session.reportCrash("Deep", "too deep", "at line\n".repeat(12_000));
    session.end();
  },
};

kit.waitForInit(async (initialized) => {
  say({ initialized });
  if (initialized) await scenarios[scenario]();
  kit.shutdown(() => process.exit(initialized ? 0 : 1));
}, 10_000);
