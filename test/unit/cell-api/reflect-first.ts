import '../../../src/cell-api/authority/reflect.ts';
