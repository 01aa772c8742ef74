const words = [
  'password password1 password12 password123 password1234 passw0rd passw0rd1 passw0rd123 p@ssw0rd p@ssw0rd1 p@ssw0rd123',
  'passwordpassword adminadmin admin12345 admin123456 administrator administrator1 administrator123 rootroot root123456',
  'qwertyuiop qwertyuiop1 qwertyuiop123 qwerty12345 qwerty123456 qwerty1234 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc',
  'q1w2e3r4t5 q1w2e3r4t5y6 zaq12wsxcde zaq1xsw2cde3 asdfghjkl1 asdfghjkl123 asdfghjklzxc zxcvbnm123 zxcvbnm1234',
  '1234567890 12345678910 123456789a 123456789q 1234567891 0123456789 0987654321 9876543210 123123123123 123456123456',
  '1111111111 0000000000 1234512345 1357924680 2468013579 147258369a 123321123321 112233445566 abcd123456 abc1234567',
  'abcdefghij abcdefghijk a123456789 a1234567890 aa12345678 aa123456789 qq123456789 woaini1314 woaini1314520 5201314520',
  'iloveyou12 iloveyou123 iloveyou1234 iloveyou2 letmein123 letmein1234 letmeinplease welcome123 welcome1234 welcome12345',
  'changeme123 changeme1234 changemenow changethis default123 defaultpassword secret1234 supersecret secretpassword',
  'football123 baseball123 superman123 batman1234 princess123 sunshine123 monkey12345 dragon12345 master1234 michael123',
  'computer123 internet123 trustno1trustno1 whatever123 starwars123 mustang123 shadow1234 charlie123 jordan1234',
  'test123456 testtest123 testing123 temp123456 temporary1 temporary123 guest12345 guestguest oracle1234 mysql12345',
  'company123 company1234 slipway123 slipway1234 slipwayslipway deploy1234 deploydeploy operations operations1',
  'summer2024 summer2025 summer2026 winter2024 winter2025 winter2026 spring2025 spring2026 autumn2025 autumn2026',
  'january2025 january2026 password2024 password2025 password2026 welcome2024 welcome2025 welcome2026 admin@1234',
  'qwerty@123 admin@12345 admin@123456 pass@12345 password@1 password@12 password@123 test@12345 root@12345 abcd@1234',
];

/** Passwords of ten characters and more that guessers try first, in lower case. */
export const commonPasswords: ReadonlySet<string> = new Set(words.flatMap((line) => line.split(' ')));
