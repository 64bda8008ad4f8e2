// Copyright: Contributors to the secops.securityhub project
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The stack of one target in each of REGIONS, from TEMPLATE; without a bootstrapped account, which it needs nothing of.

const cdk = require('aws-cdk-lib');
const { CfnInclude } = require('aws-cdk-lib/cloudformation-include');

const app = new cdk.App();
for (const region of process.env.REGIONS.split(',')) {
  const stack = new cdk.Stack(app, `pipeline-${region}`, {
    stackName: process.env.STACK,
    env: { account: process.env.CDK_DEFAULT_ACCOUNT, region },
    synthesizer: new cdk.LegacyStackSynthesizer(),
  });
  new CfnInclude(stack, 'Template', { templateFile: process.env.TEMPLATE });
}
